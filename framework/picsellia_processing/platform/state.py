"""What one running platform consists of; every handler receives it in its Call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import blobs as blobs_module
from .blobs import Blobs
from .faults import Faults
from .ledger import Ledger
from .resources import SCHEMAS
from .resources.organization import Organization, ensure_organization
from .store import Store

if TYPE_CHECKING:
    from .options import Options


@dataclass(frozen=True, slots=True)
class State:
    """The parts of one platform."""

    options: Options
    store: Store
    blobs: Blobs
    ledger: Ledger
    faults: Faults
    organization: Organization

    @classmethod
    def open(cls, options: Options) -> State:
        """Open, or make, the platform kept in `options.data`."""
        options.data.mkdir(parents=True, exist_ok=True)
        store = Store(options.data / "platform.sqlite", [blobs_module.SCHEMA, *SCHEMAS])
        return cls(
            options=options,
            store=store,
            blobs=Blobs(store, (options.data / "blobs").resolve(), options.url_ttl),
            ledger=Ledger(),
            faults=Faults(options.fault_rate, options.fault_seed),
            organization=ensure_organization(store),
        )
