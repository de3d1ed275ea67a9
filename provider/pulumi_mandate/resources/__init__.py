"""What can be governed end to end with nothing but this package: dynamic providers of our own.

Each of them asks inside, before it calls its cloud, whether the run of the engine above it allows
this very operation (`_permit`). Use them through
`pulumi_mandate` (`from pulumi_mandate import S3Bucket`) or, better, through the components of
`pulumi_mandate_components`.
"""
