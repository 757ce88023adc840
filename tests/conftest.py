"""What holds for all tests."""

import signal

from hypothesis import HealthCheck, settings

# Who is started in the background by a shell ignores SIGINT, and so does all that it starts; tests interrupt processes.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine fails no test: the properties of pure functions are tested, not how long they take.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
