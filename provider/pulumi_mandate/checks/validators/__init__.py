"""The validators that come with this package. None runs unless the subject's rules name it."""
