"""The local platform: a real HTTP server on loopback that speaks the vendor's API to the vendor's unmodified SDK."""
