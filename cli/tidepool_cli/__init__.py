"""The tidepool command."""
