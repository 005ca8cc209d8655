"""The connector of Vercel."""
