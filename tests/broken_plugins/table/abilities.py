"""What is wrong in an answer of a runtime that serves: a fault is in its plugin's record."""

HEALTH = "ChecksHealth"
MODELS = "ListsModels"
SKILLS = "OffersSkills"
STORE = "KeepsHistory"
PROVIDERS = "ListsProviders"
ACCOUNT = "ReportsAccount"
TOOLS = "ListsTools"
MCP_SERVERS = "ListsMcpServers"
AUTOMATIONS = "ListsAutomations"
FILES = "KeepsTranscripts"
NO_SESSIONS = """
async def session(self, session_id): return None
async def messages(self, session_id): return None
"""
FOLDER = """
def transcript_folders(self): return [Path.home() / "kept" / self.info["name"]]
def transcript_id(self, path): return path.stem
"""


def _store(sessions: str) -> str:
    return f"async def sessions(self): {sessions}\n{NO_SESSIONS}"


def _reader(record: str = "None", messages: str = "[]", usage: str = "[]") -> str:
    return (
        f"{FOLDER}\ndef open_transcript(self, path):\n"
        "    return type('Lines', (Transcript,), {\n"
        "        'feed': lambda self, lines: None,\n"
        f"        'record': lambda self: {record},\n"
        f"        'messages': lambda self: {messages},\n"
        f"        'usage': lambda self: {usage},\n"
        "    })()"
    )


ABILITIES = {
    "health_true": (
        HEALTH,
        "async def health(self): return True",
        "write `return Health(state=…)`",
    ),
    "health_none": (HEALTH, "async def health(self): pass", "must return Health, not None"),
    "health_dict": (HEALTH, "async def health(self): return {'state': 'ready'}", "not dict: write"),
    "health_class": (
        HEALTH,
        "async def health(self): return Health",
        "make it an object, Health(…)",
    ),
    "health_hollow": (
        HEALTH,
        "async def health(self): return Health.__new__(Health)",
        "Health.state is missing: Health must call super().__init__(…)",
    ),
    "health_state": (HEALTH, "async def health(self): return Health('fine')", "not 'fine'"),
    "health_version": (
        HEALTH,
        "async def health(self): return Health('ready', version=5)",
        "Health.version must be str or None, not int",
    ),
    "health_detail": (
        HEALTH,
        "async def health(self): return Health('ready', detail=None)",
        "Health.detail must be str, not None",
    ),
    "health_long": (
        HEALTH,
        "async def health(self): return Health('ready', detail='x' * 10**6)",
        "Health.detail must be one sentence",
    ),
    "health_surrogate": (
        HEALTH,
        "async def health(self): return Health('ready', detail='\\ud800')",
        "without half a surrogate pair",
    ),
    "health_nan": (
        HEALTH,
        "async def health(self): return Health('ready', fresh_seconds=float('nan'))",
        "Health.fresh_seconds must be float and finite",
    ),
    "health_binary": (
        HEALTH,
        "async def health(self): return Health('ready', binary=Path('/x'))",
        "Health.binary must be str or None, not PosixPath",
    ),
    "health_raises": (HEALTH, "async def health(self): raise OSError('x')", "raised OSError: x"),
    "health_exits": (HEALTH, "async def health(self): raise SystemExit(3)", "raised SystemExit: 3"),
    "health_interrupts": (
        HEALTH,
        "async def health(self): raise KeyboardInterrupt",
        "raised KeyboardInterrupt",
    ),
    "health_cancels": (
        HEALTH,
        "async def health(self): raise asyncio.CancelledError",
        "health() raised CancelledError",
    ),
    "health_plain": (
        HEALTH,
        "def health(self): return Health('ready')",
        "write `async def health`",
    ),
    "health_yields": (HEALTH, "async def health(self): yield Health('ready')", "write `return`"),
    "models_none": (
        MODELS,
        "async def models(self): pass",
        "must return a list of Model, not None",
    ),
    "models_dict": (
        MODELS,
        "async def models(self): return {}",
        "write `return [Model(id=…, name=…, provider_id=…)]`",
    ),
    "models_rows": (
        MODELS,
        "async def models(self): return [{'id': 'm'}]",
        "models()[0] must be Model, not dict",
    ),
    "models_id": (
        MODELS,
        "async def models(self): return [Model(5, 'M', 'p')]",
        "models()[0].id must be str, not int",
    ),
    "models_price": (
        MODELS,
        "async def models(self): return [Model('m', 'M', 'p', price_input=float('inf'))]",
        "price_input must be float and finite",
    ),
    "models_context": (
        MODELS,
        "async def models(self): return [Model('m', 'M', 'p', context='200k')]",
        "models()[0].context must be int, not str",
    ),
    "models_surrogate": (
        MODELS,
        "async def models(self): return [Model('\\ud800', 'M', 'p')]",
        "without half a surrogate pair",
    ),
    "models_yield": (
        MODELS,
        "async def models(self): yield Model('m', 'M', 'p')",
        "write `return`",
    ),
    "models_plain": (MODELS, "def models(self): return []", "write `async def models`"),
    "models_raise": (MODELS, "def models(self): raise OSError('x')", "models() raised OSError: x"),
    "models_cancel": (
        MODELS,
        "async def models(self): raise asyncio.CancelledError",
        "models() raised CancelledError",
    ),
    "skills_none": (SKILLS, "async def skills(self, cwd): pass", "a list of Skill, not None"),
    "skills_text": (
        SKILLS,
        "async def skills(self, cwd): return ['x']",
        "skills()[0] must be Skill",
    ),
    "skills_path": (
        SKILLS,
        "async def skills(self, cwd): return [Skill('x', 'X', '/x')]",
        "skills()[0].path must be Path or None, not str",
    ),
    "skills_argument": (SKILLS, "async def skills(self): return []", "skills() raised TypeError"),
    "skills_exit": (SKILLS, "async def skills(self, cwd): raise SystemExit(3)", "SystemExit: 3"),
    "providers_text": (
        PROVIDERS,
        "async def providers(self): return ['acme']",
        "providers()[0] must be Provider, not str",
    ),
    "providers_key": (
        PROVIDERS,
        "async def providers(self): return [Provider('acme', 'Acme', None)]",
        "providers()[0].env_key must be str, not None",
    ),
    "providers_undeclared": (
        PROVIDERS,
        "async def providers(self): return [Provider('acme', 'Acme', 'ACME_KEY')]",
        "providers() names ACME_KEY, which xo_secrets does not declare",
    ),
    "account_dict": (
        ACCOUNT,
        "async def account(self): return {'kind': 'subscription'}",
        "must return ProviderAccount or None, not dict",
    ),
    "account_kind": (
        ACCOUNT,
        "async def account(self): return ProviderAccount('acme', 'gift')",
        "kind must be one of 'subscription', 'api_key', 'other', not 'gift'",
    ),
    "tools_none": (TOOLS, "async def tools(self): pass", "a list of Tool, not None"),
    "tools_raise": (TOOLS, "async def tools(self): raise OSError('x')", "raised OSError: x"),
    "mcp_transport": (
        MCP_SERVERS,
        "async def mcp_servers(self, cwd): return [McpServer('x', 'pipe')]",
        "transport must be one of 'stdio', 'http', 'sse', not 'pipe'",
    ),
    "automations_exit": (
        AUTOMATIONS,
        "async def automations(self): raise SystemExit(3)",
        "automations() raised SystemExit: 3",
    ),
    "sessions_none": (STORE, _store("pass"), "a list of SessionRecord, not None"),
    "sessions_dict": (STORE, _store("return [{'id': 'x'}]"), "must be SessionRecord, not dict"),
    "sessions_time": (
        STORE,
        _store("return [SessionRecord('a', 'A', None, 1, datetime(2026, 1, 1), NOW)]"),
        "time_created must be a datetime with an offset",
    ),
    "sessions_count": (
        STORE,
        _store("return [SessionRecord('b', 'B', None, 'many', NOW, NOW)]"),
        "message_count must be int, not str",
    ),
    "sessions_raise": (STORE, _store("raise OSError('x')"), "OSError: x"),
    "sessions_exit": (STORE, _store("raise SystemExit(3)"), "SystemExit: 3"),
    "sessions_cancel": (STORE, _store("raise asyncio.CancelledError"), "raised CancelledError"),
    "messages_dict": (
        STORE,
        "async def sessions(self): return [SessionRecord('c', 'C', None, 1, NOW, NOW)]\n"
        "async def session(self, session_id): return None\n"
        "async def messages(self, session_id): return [{'text': 'x'}]",
        "messages()[0] must be Message, not dict",
    ),
    "messages_part": (
        STORE,
        "async def sessions(self): return [SessionRecord('d', 'D', None, 1, NOW, NOW)]\n"
        "async def session(self, session_id): return None\n"
        "async def messages(self, session_id): return [Message('m', 'user', ['x'], NOW)]",
        "messages()[0].parts[0] must be TextPart or",
    ),
    "messages_role": (
        STORE,
        "async def sessions(self): return [SessionRecord('e', 'E', None, 1, NOW, NOW)]\n"
        "async def session(self, session_id): return None\n"
        "async def messages(self, session_id): return [Message('m', 'human', [], NOW)]",
        "messages()[0].role must be one of 'user', 'assistant', not 'human'",
    ),
    "folders_text": (
        FILES,
        "def transcript_folders(self): return '/'\n"
        "def transcript_id(self, path): return None\n"
        "def open_transcript(self, path): return None",
        "transcript_folders() must return a list of Path, not str: put it into a list",
    ),
    "folders_texts": (
        FILES,
        "def transcript_folders(self): return ['/tmp']\n"
        "def transcript_id(self, path): return None\n"
        "def open_transcript(self, path): return None",
        "transcript_folders()[0] must be Path, not str",
    ),
    "folders_raise": (
        FILES,
        "def transcript_folders(self): raise OSError('x')\n"
        "def transcript_id(self, path): return None\n"
        "def open_transcript(self, path): return None",
        "transcript_folders() raised OSError: x",
    ),
    "names_number": (
        FILES,
        "def transcript_folders(self): return [Path.home() / 'kept' / self.info['name']]\n"
        "def transcript_id(self, path): return 5\n"
        "def open_transcript(self, path): return None",
        "transcript_id() must return str or None, not int",
    ),
    "reader_none": (
        FILES,
        f"{FOLDER}\ndef open_transcript(self, path): return None",
        "open_transcript() must return Transcript, not None",
    ),
    "reader_class": (
        FILES,
        f"{FOLDER}\ndef open_transcript(self, path): return Transcript",
        "make it an object, Transcript(…)",
    ),
    "record_dict": (FILES, _reader("{'id': 'x'}"), "record() must return SessionRecord or None"),
    "record_raises": (FILES, _reader("1 / 0"), "ZeroDivisionError"),
    "outline_none": (
        FILES,
        _reader("SessionRecord('f', 'F', None, 1, NOW, NOW)", "None"),
        "TypeError",
    ),
    "usage_dict": (
        FILES,
        _reader("SessionRecord('g', 'G', None, 1, NOW, NOW)", "[]", "[{}]"),
        "AttributeError",
    ),
}

# calls that hang, and ignore that they are cancelled
HANGING = {
    "health_waits": (HEALTH, "async def health(self): await swallow()", "took longer than 5 s"),
    "models_wait": (MODELS, "async def models(self): await swallow()", "took longer than 5 s"),
    "skills_wait": (SKILLS, "async def skills(self, cwd): await swallow()", "longer than 5 s"),
    "sessions_wait": (STORE, _store("await swallow()"), "sessions() took longer than 5 s"),
    "providers_wait": (PROVIDERS, "async def providers(self): await swallow()", "longer than 5 s"),
}

TURN_HOOKS = {
    "env_list": ("def xo_turn_env(self, turn): return ['A']", "must return a dict of str to"),
    "env_number": (
        "def xo_turn_env(self, turn): return {'A': 5}",
        "['A'] must be SecretStr or str",
    ),
    "env_key": ("def xo_turn_env(self, turn): return {5: 'A'}", "must be str, not int"),
    "env_async": ("async def xo_turn_env(self, turn): return {}", "write `def`, not `async def`"),
    "env_raises": (
        "def xo_turn_env(self, turn): raise OSError('x')",
        "xo_turn_env raised OSError: x",
    ),
    "env_exits": ("def xo_turn_env(self, turn): raise SystemExit(3)", "raised SystemExit: 3"),
    "env_token": (
        "def xo_turn_env(self, turn): return {'XO_API_TOKEN': 'mine'}",
        "'XO_API_TOKEN' is the server's own",
    ),
    "env_loader": (
        "def xo_turn_env(self, turn): return {'LD_PRELOAD': '/x.so'}",
        "'LD_PRELOAD' decides which programs run",
    ),
    "env_name": (
        "def xo_turn_env(self, turn): return {'A=B': 'x'}",
        "'A=B' is no name of an environment variable",
    ),
    "env_nul": (
        "def xo_turn_env(self, turn): return {'A': 'x\\0y'}",
        "'A' has a value that is no text, or has a NUL character",
    ),
    "finished_raises": (
        "def xo_turn_finished(self, turn): raise OSError('x')",
        "raised OSError: x",
    ),
    "finished_exits": ("def xo_turn_finished(self): raise SystemExit(3)", "raised SystemExit: 3"),
    "finished_async": (
        "async def xo_turn_finished(self, turn): pass",
        "write `def`, not `async def`",
    ),
}
