"""What the server sends to the XO service while it is signed in: the older chat, daily usage."""
