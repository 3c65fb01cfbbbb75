"""What `sam deploy` would make of the template, read without deploying it."""
