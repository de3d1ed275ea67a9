"""What can be governed end to end with nothing but this package: dynamic providers of our own.

They do not yet check their own operation against the running mandate: today the gate's whole-plan
comparison and its hooks do, and a program's author could strip the hooks. Use them through
`pulumi_mandate` (`from pulumi_mandate import S3Bucket`) or, better, through the components of
`pulumi_mandate_components`.
"""
