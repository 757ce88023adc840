"""From a processing folder to an image in a registry: a clean context, Docker, what the image holds, and a push."""
