"""The operations of the contract, as tests send them."""
