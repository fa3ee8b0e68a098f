"""A database asked without a detour: statements that come again go to the driver as they were compiled the first time.

SQLAlchemy spends ten times as long on the way to SQLite and back as SQLite on the answer, and three times as long as
PostgreSQL. It still makes every statement and says how values are written and read; a statement that is seen for the
first time takes its way as ever.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import BindParameter, Connection, Engine, Executable, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import MultipleResultsFound, NoResultFound
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import TypeEngine

Convert = Callable[[Any], Any]
Codes = Callable[[str, int], Sequence[Any]]
"""Says of a statement's text what the driver calls the types of the so many columns that it answers with."""


@dataclass(frozen=True, slots=True)
class _Slot:
    """A place for a value, or for one of several."""

    name: str
    nth: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """A statement as the driver takes it.

    `values` has its constants; `slots` say what goes where into them: the place, the name, which of several, and how
    it is written. `row` makes a row, and `read` says which of its columns are read how.
    """

    text: str
    values: Sequence[Any]
    slots: Sequence[tuple[int, str, int | None, Convert | None]]
    row: Callable[[Any], Any] | None
    read: Sequence[tuple[int, Convert]]

    def fill(self, given: Mapping[str, Any]) -> list[Any]:
        """The values in their order."""
        found = [*self.values]
        for place, name, nth, write in self.slots:
            value = given[name]
            if nth is not None:
                value = value[min(nth, len(value) - 1)]
            found[place] = value if write is None else write(value)
        return found

    def rows(self, answered: Iterable[Any]) -> list[Any]:
        """The rows of what it answered."""
        if self.row is None:
            return []
        if not self.read:
            return list(map(self.row, answered))
        rows = []
        for raw in answered:
            values = list(raw)
            for place, read in self.read:
                values[place] = read(values[place])
            rows.append(self.row(values))
        return rows


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """A statement that came again: the names that stand for several values, and its forms by what is given."""

    several: Sequence[str]
    forms: dict[tuple[str | int, ...], Form] = field(default_factory=dict)


class Rows:
    """Rows that were all read, with what queries ask of SQLAlchemy's results."""

    def __init__(self, rows: list[Any], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount
        """How many rows were changed."""

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> list[Any]:
        """Every row."""
        return self._rows

    def first(self) -> Any:
        """The first row, or None."""
        return self._rows[0] if self._rows else None

    def one(self) -> Any:
        """The only row. Raises `NoResultFound` or `MultipleResultsFound`."""
        if not self._rows:
            raise NoResultFound("no row where there should be one")
        return self.one_or_none()

    def one_or_none(self) -> Any:
        """The only row, or None. Raises `MultipleResultsFound`."""
        if len(self._rows) > 1:
            raise MultipleResultsFound("several rows where there should be one")
        return self.first()

    def scalar_one(self) -> Any:
        """The first value of the only row."""
        return self.one()[0]


class Forms:
    """The forms of statements that came again; they go with their statement."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._known: WeakKeyDictionary[Executable, _Known | None] = WeakKeyDictionary()

    def of(self, statement: Executable, given: Mapping[str, Any], codes: Codes) -> Form | None:
        """The form for values of these names and, where there are several for one, so many; None the first time."""
        if not isinstance(statement, Select | UpdateBase):
            return None
        known = self._known.get(statement)
        if known is None:
            if statement not in self._known:
                self._known[statement] = None
                return None
            known = self._known[statement] = _Known(several=_several(statement))
        counts = [_padded(len(given[name])) for name in known.several]
        shape: tuple[str | int, ...] = (*given, *counts)
        form = known.forms.get(shape)
        if form is None:
            form = known.forms[shape] = self._made(
                statement, list(given), dict(zip(known.several, counts, strict=True)), codes
            )
        return form

    def _made(
        self, statement: Select[Any] | UpdateBase, names: list[str], several: Mapping[str, int], codes: Codes
    ) -> Form:
        compiled = statement.compile(dialect=self._dialect, column_keys=names)
        slots: dict[str, Any] = {name: _Slot(name) for name in names}
        for name, count in several.items():
            slots[name] = [_Slot(name, nth) for nth in range(count)]
        state = compiled.construct_expanded_state(compiled.construct_params(slots))
        names = list(state.positiontup or ())
        values = [state.parameters[name] for name in names]
        whole = {part: name for name, parts in state.parameter_expansion.items() for part in parts}
        bound = [compiled.binds[whole.get(name, name)] for name in names]
        writers = [self._kind(bind.type).bind_processor(self._dialect) for bind in bound]
        columns = list(statement.selected_columns) if isinstance(statement, Select) else []
        titles = [getattr(column, "key", None) or "" for column in columns]
        readers = [
            self._kind(column.type).result_processor(self._dialect, code)
            for column, code in zip(columns, codes(state.statement, len(columns)), strict=True)
        ]
        return Form(
            text=state.statement,
            values=[
                None if type(value) is _Slot else value if write is None else write(value)
                for value, write in zip(values, writers, strict=True)
            ],
            slots=[
                (place, value.name, value.nth, write)
                for place, (value, write) in enumerate(zip(values, writers, strict=True))
                if type(value) is _Slot
            ],
            row=_row(titles) if columns else None,
            read=[(place, read) for place, read in enumerate(readers) if read is not None],
        )

    def _kind(self, of: TypeEngine[Any]) -> TypeEngine[Any]:
        return of.dialect_impl(self._dialect)


def _row(titles: Sequence[str]) -> Callable[[Any], Any]:
    """What makes a row of its values."""
    kind: Any = namedtuple("Row", list(titles), rename=True)  # type: ignore[misc]
    make: Callable[[Any], Any] = kind._make
    return make


def _several(statement: Select[Any] | UpdateBase) -> tuple[str, ...]:
    """The names under which a statement takes several values."""
    binds = (each for each in iterate(statement) if isinstance(each, BindParameter))
    return tuple(sorted({bind.key for bind in binds if bind.expanding and bind.required}))


def _padded(count: int) -> int:
    """The next power of two: the last value is repeated, so that there are few forms."""
    return 1 << (count - 1).bit_length() if count else 0


class Quick(Connection):
    """A connection that knows the forms of statements. What it does not know goes SQLAlchemy's way."""

    def __init__(self, engine: Engine, forms: Forms | None) -> None:
        """Without `forms` everything goes SQLAlchemy's way."""
        super().__init__(engine)
        self._forms = forms

    def execute(self, statement: Executable, parameters: Any = None, *, execution_options: Any = None) -> Any:
        """Run a statement."""
        several = isinstance(parameters, list)
        if self._forms is not None and execution_options is None and not (several and not parameters):
            form = self._forms.of(statement, (parameters[0] if several else parameters) or {}, self.codes)
            if form is not None:
                return self.run(form, parameters)
        return super().execute(statement, parameters, execution_options=execution_options)

    def scalar(self, statement: Executable, parameters: Any = None, *, execution_options: Any = None) -> Any:
        """The first value of the first row, or None."""
        found = self.execute(statement, parameters, execution_options=execution_options).first()
        return None if found is None else found[0]

    def scalars(self, statement: Executable, parameters: Any = None, *, execution_options: Any = None) -> Any:
        """The first value of each row."""
        found = self.execute(statement, parameters, execution_options=execution_options)
        return Rows([row[0] for row in found], -1)

    @abstractmethod
    def run(self, form: Form, parameters: Any) -> Rows:
        """Give it to the driver, with one set of values or a list of several. Raises what SQLAlchemy would."""

    @abstractmethod
    def codes(self, text: str, count: int) -> Sequence[Any]:
        """The driver's types of the `count` columns that a statement answers with."""
