"""The demo: a fleet like Salesforce's AI Platform lives one simulated day under the code that is deployed."""
