"""How much host memory a copy reserves on a pool, and what is said where nobody has said it.

A reservation is no cap (sagemaker-facts, Inference components): too little lets a pool take more copies than its memory
holds, too much finds no room and the move goes back. It cannot be worked out from the machine: of ml.g5.xlarge's 16 GiB
1,024 MB could be reserved and 4,096 could not, a sixteenth and a quarter of what its one copy would have for itself.
"""

from __future__ import annotations

from tidepool.config.types import Shape

UNSAID_MB = 1024
"""Where nobody says: what ml.g5.xlarge took (sagemaker-facts). A figure this small is only ever asked for aloud."""


def memory_mb(shape: Shape | None, has_mb: int = 0) -> int:
    """What fleet.yaml says of a copy there, else what the source's copy has (0 = it is none), else UNSAID_MB."""
    return (shape.memory_mb if shape is not None else None) or has_mb or UNSAID_MB


def unsaid(model: str, instance_type: str, shape: Shape | None, has_mb: int = 0) -> str:
    """What people are told where nobody says it; '' where somebody does."""
    if has_mb or (shape is not None and shape.memory_mb):
        return ""
    return (
        f"a copy reserves {UNSAID_MB} MB of host memory, since nothing says what it needs:"
        f" write `memory_mb` of {model} under shapes.shared.{instance_type}"
    )


def asks(accelerators: int, memory_mb: int) -> str:
    """What a copy asks for, where one could not be had."""
    each = "accelerator" if accelerators == 1 else "accelerators"
    return f"a copy asks for {accelerators} {each} and {memory_mb} MB of host memory (`memory_mb` of its shape)"
