"""The OpenAPI document and the answers agree, whatever is asked: schemathesis draws it from the document itself."""

from __future__ import annotations

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import negative_data_rejection

from shoal.server.api import api_app

from .shop import KEYS, QUICK, READ, shop

schema = schemathesis.openapi.from_asgi("/v1/openapi.json", api_app(shop(), KEYS.get, limits=QUICK))
# A header that nobody knows is no fault: browsers, proxies and SDKs add what they like.
AS_THEY_LIKE = {"/v1/changes/stream": [negative_data_rejection]}


@schema.parametrize()
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_document_names(case: schemathesis.Case) -> None:
    case.call_and_validate(headers=READ, excluded_checks=AS_THEY_LIKE.get(case.path, []))
