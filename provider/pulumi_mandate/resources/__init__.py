"""What can be governed end to end with nothing but this package: dynamic providers of our own.

Each checks its own operation against the running mandate as well (`_governed.py`), so that taking
the hooks out of a program is not enough. Use them through `pulumi_mandate` (`from pulumi_mandate
import S3Bucket`) or, better, through the components of `pulumi_mandate_components`.
"""
