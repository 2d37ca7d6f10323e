"""The five objects whose state changes, as the Batch API names their fields.

Shape   one pydantic model a family; `to_batch()` gives the `Batch` object of a message. These models check what comes
        from outside; nothing on the delivery path builds them
Fields  required: identity of the resource and its parents. The state may be left out: it is filled from the change's
        `After`. All else is optional, since no sample of 18 of the 19 messages was ever published. Unknown
        fields are kept and carried through. A null is the same as absent
Order   the order of the fields is the order on the wire (guide's sample for nodes; core, then optional, for the others)
Errors  ResourceError with every fault at once
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from schemas.errors import Fault, ResourceError, shown
from schemas.events import Family

Id = Annotated[StrictStr, Field(min_length=1)]
Text = StrictStr | None
Int = Annotated[StrictInt, Field(ge=-(2**63), lt=2**63)]
Number = Int | None
Counters = dict[StrictStr, Int] | None


class Resource(BaseModel):
    """What the five have in common."""

    model_config = ConfigDict(extra="allow", frozen=True)

    family: ClassVar[Family]
    state_field: ClassVar[str | None]
    attempt_fields: ClassVar[tuple[str, ...]] = ()
    """Fields that tell two attempts at the same thing apart; part of the event id where present."""

    @classmethod
    def parse(cls, fields: Any) -> Self:  # noqa: ANN401  anything may come from outside
        """Check what came from outside.

        Raises:
            ResourceError: all faults, paths beginning with the family's name.
        """
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            faults = [_fault(cls.family, dict(e)) for e in error.errors()]
            raise ResourceError([*faults, *cls._unowned(fields, faults)]) from None

    @classmethod
    def _unowned(cls, fields: object, faults: list[Fault]) -> list[Fault]:
        """What cannot be seen while the fields are at fault; so that all faults are told at once."""
        del fields, faults
        return []

    def key(self) -> str:
        """The owning JobId or EnvId: the Kafka record key."""
        raise NotImplementedError

    def path(self) -> str:
        """Where the resource stands in its tree, e.g. `job/job-97zcl3wt/task/A/instance/1`."""
        raise NotImplementedError

    def to_batch(self, state: str) -> dict[str, Any]:
        """The `Batch` object of a message, in wire order, absent fields left out."""
        batch = {}
        for name, value in self.__dict__.items():
            if name == self.state_field:
                batch[name] = state
            elif value is not None:
                batch[name] = value
        if self.__pydantic_extra__:
            batch.update(self.__pydantic_extra__)
        return batch

    def state(self) -> str | None:
        """The state that the object itself carries, if it carries one."""
        return None if self.state_field is None else getattr(self, self.state_field)


class _OfJob(Resource):
    """A resource that belongs to a job."""

    JobId: Id
    JobName: StrictStr

    def key(self) -> str:
        return self.JobId


class Job(_OfJob):
    """JobView and DescribeJob."""

    family = Family.JOB
    state_field = "JobState"

    JobState: Text = None
    Priority: Number = None
    CreateTime: Text = None
    EndTime: Text = None
    StateReason: Text = None
    Zone: Text = None
    TaskMetrics: Counters = None

    def path(self) -> str:
        return f"job/{self.JobId}"


class Task(_OfJob):
    """TaskView and DescribeTask."""

    family = Family.TASK
    state_field = "TaskState"

    TaskName: Id
    TaskState: Text = None
    CreateTime: Text = None
    EndTime: Text = None
    TaskInstanceTotalCount: Number = None
    TaskInstanceMetrics: Counters = None

    def path(self) -> str:
        return f"job/{self.JobId}/task/{self.TaskName}"


class TaskInstance(_OfJob):
    """TaskInstanceView."""

    family = Family.TASK_INSTANCE
    state_field = "TaskInstanceState"
    attempt_fields = ("ComputeNodeInstanceId", "LaunchTime", "RunningTime")

    TaskName: Id
    TaskInstanceIndex: Annotated[StrictInt, Field(ge=0, lt=2**63)]
    TaskInstanceState: Text = None
    ExitCode: Number = None
    StateReason: Text = None
    StateDetailedReason: Text = None
    ComputeNodeInstanceId: Text = None
    CreateTime: Text = None
    LaunchTime: Text = None
    RunningTime: Text = None
    EndTime: Text = None

    def path(self) -> str:
        return f"job/{self.JobId}/task/{self.TaskName}/instance/{self.TaskInstanceIndex}"


class ComputeNode(Resource):
    """The one object of which a sample was published; its order of fields is the sample's.

    A node that a job made for itself may carry no environment (unknown): then its JobId, an extra field, owns it.
    """

    family = Family.COMPUTE_NODE
    state_field = "ComputeNodeState"
    attempt_fields = ("ComputeNodeInstanceId",)

    ComputeNodeId: Id
    EnvId: Text = None
    ComputeNodeState: Text = None
    Mem: Number = None
    ResourceCreatedTime: Text = None
    EnvName: Text = None
    ComputeNodeInstanceId: Text = None
    Cpu: Number = None

    @model_validator(mode="after")
    def _has_an_owner(self) -> Self:
        if not _owned(self.EnvId, self.__pydantic_extra__ or {}):
            raise PydanticCustomError("no_owner", "is missing, and no JobId stands in for it")
        return self

    @classmethod
    def _unowned(cls, fields: object, faults: list[Fault]) -> list[Fault]:
        seen = any(fault.path == _NO_OWNER.path for fault in faults)
        if seen or not isinstance(fields, Mapping) or _owned(fields.get("EnvId"), fields):
            return []
        return [_NO_OWNER]

    def key(self) -> str:
        return self.EnvId or str((self.__pydantic_extra__ or {})["JobId"])

    def path(self) -> str:
        owner = f"computeenv/{self.EnvId}" if self.EnvId else f"job/{self.key()}"
        return f"{owner}/node/{self.ComputeNodeId}"


_NO_OWNER = Fault("ComputeNode.EnvId", "MissingParameter", "is missing, and no JobId stands in for it")


def _owned(env_id: object, fields: Mapping[str, Any]) -> bool:
    job_id = fields.get("JobId")
    return bool(env_id) or (isinstance(job_id, str) and bool(job_id))


class ComputeEnv(Resource):
    """ComputeEnvView. Nowhere does the API give an environment a state."""

    family = Family.COMPUTE_ENV
    state_field = None

    EnvId: Id
    EnvName: StrictStr
    CreateTime: Text = None
    EnvType: Text = None
    ResourceType: Text = None
    DesiredComputeNodeCount: Number = None
    NextAction: Text = None
    ComputeNodeMetrics: Counters = None
    Zone: Text = None

    def key(self) -> str:
        return self.EnvId

    def path(self) -> str:
        return f"computeenv/{self.EnvId}"


RESOURCES: dict[Family, type[Resource]] = {
    Family.JOB: Job,
    Family.TASK: Task,
    Family.TASK_INSTANCE: TaskInstance,
    Family.COMPUTE_NODE: ComputeNode,
    Family.COMPUTE_ENV: ComputeEnv,
}


def _fault(family: Family, error: dict[str, Any]) -> Fault:
    if error["type"] == "no_owner":
        return _NO_OWNER
    path = ".".join([family.value, *map(str, error["loc"])])
    if error["type"] == "missing":
        return Fault(path, "MissingParameter", "is missing")
    return Fault(path, "InvalidParameterValue", f"{error['msg']} (got {shown(error['input'])})")
