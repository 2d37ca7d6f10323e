"""Client certificates: two files that are right together or not at all.

Shape   check_identities(tree, faults): for each HTTP subscription that has a client certificate, or half of one
Works   on the tree, before it is a Settings: so these faults are told along with all others
"""

from typing import Any

from adapters.callback.tls import CERTIFICATE, KEY, identity_fault
from adapters.settings_faults import Faults, Steps


def check_identities(tree: dict[str, Any], faults: Faults) -> None:
    """Add what is wrong with them."""
    entries = tree.get("subscriptions")
    for index, one in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(one, dict) and one.get("protocol") == "http" and {CERTIFICATE, KEY} & one.keys():
            _check(one, ("subscriptions", index), faults)


def _check(one: dict[str, Any], at: Steps, faults: Faults) -> None:
    for name, other in ((CERTIFICATE, KEY), (KEY, CERTIFICATE)):
        if name not in one:
            faults.add((*at, name), f"is missing: {other} is there, and is of no use alone", value=False)
            return
    certificate, key = one[CERTIFICATE], one[KEY]
    if not (isinstance(certificate, str) and isinstance(key, str)):
        return  # the model says so
    if str(one.get("endpoint")).lower().startswith("http://"):
        faults.add((*at, CERTIFICATE), "would never be shown: the endpoint is not https://")
    if (fault := identity_fault(certificate, key)) is not None:
        faults.add((*at, fault.which), fault.reason)
