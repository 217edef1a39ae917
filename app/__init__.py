"""The web: HTTP API and pages, thin skins over the engine's facade."""
