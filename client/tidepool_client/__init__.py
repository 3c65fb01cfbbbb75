"""Follow a model's route over boto3."""
