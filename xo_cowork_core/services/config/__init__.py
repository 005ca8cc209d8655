"""Configuration: providers and their keys, masked configurations, local models, onboarding."""
