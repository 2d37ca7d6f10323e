"""How hypothesis runs here: no deadline and no complaint about slow drawing, since a busy machine is no finding."""

from hypothesis import HealthCheck, settings

settings.register_profile("unit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unit")
