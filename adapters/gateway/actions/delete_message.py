"""DeleteMessage, BatchDeleteMessage: what was received is done with."""

from adapters.gateway.acting.action import Backend, refused_with
from adapters.gateway.acting.declaring import Fields, action
from adapters.gateway.acting.names import queue_name
from adapters.gateway.acting.params import BATCH, Params
from adapters.gateway.errors import Row


@action("DeleteMessage", changes=True)
async def delete_message(params: Params, backend: Backend) -> Fields:
    """One message."""
    handle = params.text("receiptHandle")
    [row] = await backend.queues.delete_messages(queue_name(params), [handle])
    if row is not None:
        raise row.error()
    return {}


@action("BatchDeleteMessage", changes=True)
async def batch_delete_message(params: Params, backend: Backend) -> Fields:
    """Up to 16 messages, each for itself: those that failed are told."""
    handles = params.some_items("receiptHandle", BATCH)
    rows = await backend.queues.delete_messages(queue_name(params), handles)
    failed = [_failed(handle, row) for handle, row in zip(handles, rows, strict=True) if row is not None]
    if not failed:
        return {}
    return refused_with(Row.PARTLY_DELETED if len(failed) < len(handles) else Row.NONE_DELETED, errorList=failed)


def _failed(handle: str, row: Row) -> Fields:
    error = row.error()
    return {"code": error.code, "message": str(error), "receiptHandle": handle}
