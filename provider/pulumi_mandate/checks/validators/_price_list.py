"""AWS's own price list, through boto3. Needs credentials that may call `pricing:GetProducts`.

Source:
https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ._reading import first

HOURS = Decimal(730)
_INSTANCES = ("pulumi-python:dynamic/mandate:Ec2Instance", "aws:ec2/instance:Instance")
_ENDPOINT_REGION = "us-east-1"
"""One of the few regions that serve the price list."""


class PriceList:
    """On-demand prices of Linux instances; None for everything else, so that a table decides."""

    def __init__(self, region: str | None) -> None:
        """`region` is the configuration's; without one, that in which this process makes things."""
        import boto3

        own = os.environ.get("AWS_REGION") or boto3.session.Session().region_name
        self._client = boto3.client("pricing", region_name=_ENDPOINT_REGION)
        self._region = region or own or _ENDPOINT_REGION
        self._found: dict[str, Decimal | None] = {}

    def monthly(self, kind: str, values: Mapping[str, Any]) -> Decimal | None:
        """Dollars a month. Raises what boto3 raises: a list that does not answer is a failure."""
        chosen = first(values, ("instance_type", "instanceType"))
        if kind not in _INSTANCES or not isinstance(chosen, str):
            return None
        if chosen not in self._found:
            self._found[chosen] = self._ask(chosen)
        return self._found[chosen]

    def _ask(self, instance_type: str) -> Decimal | None:
        wanted = {
            "instanceType": instance_type,
            "regionCode": self._region,
            "operatingSystem": "Linux",
            "tenancy": "Shared",
            "preInstalledSw": "NA",
            "capacitystatus": "Used",
        }
        filters = [{"Type": "TERM_MATCH", "Field": k, "Value": v} for k, v in wanted.items()]
        answer = self._client.get_products(ServiceCode="AmazonEC2", Filters=filters)
        prices = {
            Decimal(dimension["pricePerUnit"]["USD"])
            for product in answer["PriceList"]
            for offer in json.loads(product)["terms"]["OnDemand"].values()
            for dimension in offer["priceDimensions"].values()
        }
        # Two prices for one machine: nobody can say which, and the dearer one is the safe one.
        return max(prices) * HOURS if prices else None
