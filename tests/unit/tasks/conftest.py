from ..sdk.conftest import client, script  # noqa: F401 - the same server, the same client
