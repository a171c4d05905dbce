"""Engines turn a portrait and a speech into patches; the registry knows them without importing them."""
