"""Writes the fake's records to standard output and, where the real one does, to its file."""

from stream import emit, new_uuid

MODEL = "fake-model"


class RecordWriter:
    """The records of one session. Counts the output tokens of a turn and the session's cost."""

    def __init__(self, session, session_file):
        self._session = session
        self._session_file = session_file
        self._message = ""
        self._output_tokens = 0
        self._cost = 0.0

    def start_turn(self):
        """Reset the message id and the token count."""
        self._message, self._output_tokens = "", 0

    def start_message(self, model, *, streaming):
        """Begin a message of the model."""
        self._message = f"msg_{new_uuid()}"
        if streaming:
            self.event(type="message_start", message={"id": self._message, "model": model})

    def end_message(self, stop_reason):
        """End a message that is streamed."""
        self.event(type="message_delta", delta={"stop_reason": stop_reason}, usage=self._usage())
        self.event(type="message_stop")

    def delta(self, index, field, chunk, *, streaming):
        """Count one token and, when streaming, send it as a delta of `field`."""
        self._output_tokens += 1
        if streaming:
            delta = {"type": f"{field}_delta", field: chunk}
            self.event(type="content_block_delta", index=index, delta=delta)

    def assistant(self, block, **more):
        """Send and store one content block of the current message."""
        message = {"id": self._message, "type": "message", "role": "assistant", "model": MODEL,
                   "content": [block], "usage": self._usage()}  # fmt: skip
        emit({"type": "assistant", "message": message, "parent_tool_use_id": None,
              "session_id": self._session, "uuid": new_uuid(), **more})  # fmt: skip
        stop = "tool_use" if block["type"] == "tool_use" else "end_turn"
        self._session_file.assistant({**message, "stop_reason": stop})

    def api_error(self, text, kind):
        """Send and store an error of the model's API as a synthetic message."""
        message = {"id": new_uuid(), "model": "<synthetic>", "role": "assistant",
                   "content": [{"type": "text", "text": text}]}  # fmt: skip
        emit({"type": "assistant", "message": message, "parent_tool_use_id": None,
              "error": kind, "is_api_error_message": True})  # fmt: skip
        self._session_file.assistant(message, isApiErrorMessage=True)

    def tool_result(self, call_id, output, structured, *, failed):
        """Send and store the result of a tool call."""
        block = {"type": "tool_result", "tool_use_id": call_id, "content": output}
        if failed:
            block["is_error"] = True
        message = {"role": "user", "content": [block]}
        emit({"type": "user", "message": message, "parent_tool_use_id": None,
              "session_id": self._session, "tool_use_result": structured})  # fmt: skip
        self._session_file.user([block], toolUseResult=structured)

    def event(self, **event):
        """Send a stream event."""
        emit({"type": "stream_event", "event": event, "session_id": self._session,
              "parent_tool_use_id": None, "uuid": new_uuid()})  # fmt: skip

    def system(self, subtype, **more):
        """Send a system record."""
        emit({"type": "system", "subtype": subtype, "session_id": self._session, **more})

    def result(self, **more):
        """Send the result record, which ends a turn."""
        self._cost += 0.001
        emit({"usage": self._usage(), "total_cost_usd": self._cost, "session_id": self._session,
              "type": "result", **more})  # fmt: skip

    def _usage(self):
        return {
            "input_tokens": 10,
            "output_tokens": self._output_tokens,
            "cache_read_input_tokens": 7,
        }
