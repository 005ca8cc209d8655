"""The route family `onboarding`: whether a person has completed the introduction."""
