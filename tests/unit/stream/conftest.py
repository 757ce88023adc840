from ..sdk.conftest import client, script  # noqa: F401, TID252 - the same server, the same client
