"""The backlog gauge: how many orders are unfinished, known without asking the database."""


class Backlog:
    """The count of the last refresh, moved by what this worker has done since.

    Other workers' orders show at the next refresh, so the bound may be passed by what they take in
    until then.

    Args:
        max_orders: From so many unfinished orders on, no further one is taken in.

    """

    def __init__(self, max_orders: int) -> None:
        self._max_orders = max_orders
        self._orders = 0

    @property
    def full(self) -> bool:
        """True while no further order should be taken in."""
        return self._orders >= self._max_orders

    @property
    def filling(self) -> bool:
        """True from half of `max_orders` on: what other workers take in soon matters."""
        return self._orders * 2 >= self._max_orders

    def refresh(self, orders: int) -> None:
        """Set the gauge to a count fresh from the database."""
        self._orders = orders

    def change(self, by: int) -> None:
        """Count orders that this worker has taken in, or ended (negative)."""
        self._orders += by  # a gauge: two threads that meet here may lose a step until the refresh
