"""The browser's door: a verifier in JavaScript that shares no code with Python, only vectors."""
