"""Acme's plugin for XO Cowork API."""
