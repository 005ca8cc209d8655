"""The route family `identity`: the sign-in of this server at the XO service."""
