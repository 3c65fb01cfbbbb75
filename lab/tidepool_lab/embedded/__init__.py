"""The true seam: the deployed handlers, unchanged, over real boto3, on the twin.

    template.yaml ── translate ──> stack ──> dispatcher ── events ──> functions/X/handler.py ── boto3 ──┐
         twin (metrics, endpoint events, clock) ──> alarms ──┘                                          │
    sagemaker · cloudwatch · services answer under boto3; moto answers DynamoDB, S3, SQS, SNS <─────────┘

Read rig.py first. Agreement with this rig proves the wiring, not AWS.
"""
