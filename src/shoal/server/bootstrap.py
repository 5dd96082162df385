"""What browser SDKs ask for before they send: where to send to, and that nothing else is to be loaded."""

from __future__ import annotations

from typing import Any


def segment_settings(key: str, host: str, scheme: str) -> dict[str, Any]:
    """The settings that `@segment/analytics-next` fetches from its `cdnURL`; `host` is Shoal's, with a path.

    >>> segment_settings("k", "shoal.example", "https")["integrations"]["Segment.io"]["apiHost"]
    'shoal.example/v1'
    """
    everything = {"__default": {"enabled": True, "integrations": {}}}
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": key,
                "apiHost": f"{host}/v1",
                "protocol": scheme,
                "type": "browser",
                "unbundledIntegrations": [],
                "addBundledMetadata": False,
                "maybeBundledConfigIds": {},
            }
        },
        "plan": {"track": everything, "identify": everything, "group": everything},
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }


def rudder_config(key: str) -> dict[str, Any]:
    """The source configuration that RudderStack's SDKs fetch from their `configUrl`."""
    silent = {"errors": {"enabled": False}, "metrics": {"enabled": False}}
    return {
        "source": {
            "id": "shoal",
            "name": "Shoal",
            "writeKey": key,
            "enabled": True,
            "workspaceId": "shoal",
            "config": {"statsCollection": silent},
            "connections": [],
            "destinations": [],
            "dataplanes": {},
        },
        "updatedAt": "2024-01-01T00:00:00.000Z",
    }
