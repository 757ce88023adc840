"""Write a Picsellia Processing as one function; run it offline, in a container, or a million times over."""
