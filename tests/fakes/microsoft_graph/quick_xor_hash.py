"""QuickXorHash, the hash that OneDrive keeps of each file.

Byte `i` is combined by XOR into a register of 160 bits at the bit `11 * i mod 160`; the length is
combined into the last 8 bytes. The position repeats after 160 bytes, so blocks of 160 bytes can be
combined first, as large integers.
"""

import base64

WIDTH_BITS = 160
SHIFT_BITS = 11
BLOCK_BYTES = WIDTH_BITS
MASK = (1 << WIDTH_BITS) - 1


class QuickXorHash:
    """The hash of the bytes so far, and their number."""

    def __init__(self) -> None:
        self.size = 0
        self._block = 0

    def update(self, data: bytes) -> None:
        """Add bytes."""
        offset = self.size % BLOCK_BYTES
        self._block ^= _combine_blocks(bytes(offset) + data if offset else data)
        self.size += len(data)

    def base64(self) -> str:
        """Return the hash as Graph shows it."""
        register = 0
        for index, byte in enumerate(self._block.to_bytes(BLOCK_BYTES, "little")):
            shifted = byte << (index * SHIFT_BITS % WIDTH_BITS)
            # what leaves the register at its end comes in at its begin
            register ^= (shifted & MASK) | (shifted >> WIDTH_BITS)
        register ^= self.size << (WIDTH_BITS - 64)
        return base64.b64encode(register.to_bytes(WIDTH_BITS // 8, "little")).decode()


def quick_xor_hash(data: bytes) -> str:
    """Return the hash of some bytes."""
    hasher = QuickXorHash()
    hasher.update(data)
    return hasher.base64()


def _combine_blocks(data: bytes) -> int:
    """Return all blocks of 160 bytes, combined into one."""
    value = int.from_bytes(data, "little")
    blocks = max(1, -(-len(data) // BLOCK_BYTES))
    while blocks > 1:
        half = blocks // 2
        bits = 8 * BLOCK_BYTES * (blocks - half)
        value = (value >> bits) ^ (value & ((1 << bits) - 1))
        blocks -= half
    return value
