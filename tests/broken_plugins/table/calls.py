"""What is wrong in the result of one call: the expression for it, and words of the record.

An expression that begins with `plain` is what the method returns at once, without a coroutine.
"""

# a runtime's answers to requests that one runtime serves for all
REQUESTS = {
    "agents": ("GET", "/api/agents", None),
    "agent_fields": ("POST", "/api/agents", {"name": "ada"}),
    "save_agent": ("POST", "/api/agents", {"name": "ada"}),
    "channels": ("GET", "/api/channels", None),
    "add_channel": ("POST", "/api/channels/add", {"channel": "slack", "token": "t"}),
    "gateway": ("GET", "/api/channels", None),
    "status_of": ("GET", "/models/status", None),
    "open_session": ("POST", "/api/chat/prompt", {"text": "well", "agent_name": "clerk"}),
}
ANSWERS = {
    "agents": (
        ("None", "agents() must return a list of Agent, not None"),
        ("{}", "not dict: write `return [Agent(id=…)]`"),
        ("[{'id': 'a'}]", "agents()[0] must be Agent, not dict"),
        ("[Agent(5)]", "agents()[0].id must be str, not int"),
        ("[Agent('a', ['x'])]", "agents()[0].fields must be a dict that JSON can hold"),
        ("[Agent('a', {'x': object()})]", "not one with a key or value of another type"),
        ("[Agent('a', {5: 'x'})]", "not one with a key or value of another type"),
        ("[Agent('a', session_count='2')]", "agents()[0].session_count must be int, not str"),
        ("plain []", "must be a coroutine, not list: write `async def agents`"),
        ("fail(SystemExit(3))", "{}() raised SystemExit: 3"),
    ),
    "agent_fields": (
        ("['name']", "agent_fields must be a frozenset of str, not list"),
        ("None", "agent_fields must be a frozenset of str, not None"),
        ("fail(OSError('x'))", "agent_fields raised OSError: x"),
        ("fail(SystemExit(3))", "agent_fields raised SystemExit: 3"),
    ),
    "save_agent": (
        ("None", "save_agent() must return Agent, not None"),
        ("{'id': 'ada'}", "save_agent() must return Agent, not dict"),
    ),
    "channels": (
        ("None", "channels() must return a dict of str to a dict that JSON can hold, not None"),
        ("['slack']", "channels() must return a dict of str"),
        ("{'slack': True}", "channels()['slack'] must be a dict that JSON can hold, not bool"),
        ("{'slack': {'x': float('nan')}}", "not one with a key or value of another type"),
    ),
    "add_channel": (
        ("None", "add_channel() must return bool, not None"),
        ("'yes'", "add_channel() must return bool, not str"),
    ),
    "gateway": (
        ("None", "gateway() must return GatewayStatus, not None"),
        ("True", "not bool: write `return GatewayStatus("),
        ("{'running': True}", "gateway() must return GatewayStatus, not dict"),
        ("GatewayStatus", "make it an object, GatewayStatus(…)"),
        ("GatewayStatus(True, 'yes', 1, 'x')", "GatewayStatus.running must be bool, not str"),
        ("GatewayStatus(True, True, '1', 'x')", "GatewayStatus.port must be int, not str"),
        ("GatewayStatus(True, True, 1, None)", "GatewayStatus.ws_url must be str, not None"),
        ("plain True", "must be a coroutine, not bool: write `async def gateway`"),
        ("fail(OSError('x'))", "gateway() raised OSError: x"),
        ("fail(KeyboardInterrupt())", "{}() raised KeyboardInterrupt"),
    ),
    "status_of": (
        ("None", "status_of() must return a dict that JSON can hold, not None"),
        ("[]", "status_of() must return a dict that JSON can hold, not list"),
        ("{'x': NOW}", "not one with a key or value of another type"),
        ("{'x': float('inf')}", "not one with a key or value of another type"),
        (
            "type('Odd', (dict,), {'items': lambda self: 1 / 0})()",
            "status_of() returned Odd, which raised ZeroDivisionError",
        ),
        ("plain {}", "must be a coroutine, not dict: write `async def status_of`"),
        ("fail(KeyError('x'))", "status_of() raised KeyError: 'x'"),
        ("fail(asyncio.CancelledError())", "status_of() raised CancelledError"),
    ),
    "open_session": (
        ("None", "open_session() must return str, not None"),
        ("5", "open_session() must return str, not int"),
        ("'../../etc'", "open_session() must return the session's id"),
        ("''", "open_session() must return the session's id"),
        ("fail(SystemExit(3))", "{}() raised SystemExit: 3"),
    ),
}
# calls for which a test takes steps of its own
RAISING = (
    ("plain None", "must be a coroutine, not None: write `async def {}`"),
    ("fail(OSError('x'))", "{}() raised OSError: x"),
    ("fail(SystemExit(3))", "{}() raised SystemExit: 3"),
    ("fail(KeyboardInterrupt())", "{}() raised KeyboardInterrupt"),
    ("fail(asyncio.CancelledError())", "{}() raised CancelledError"),
    ("time.sleep(1.7)", "{}.py:1 in <module> holds the event loop for more than 1 s"),
)
RESTARTS = (
    ("None", "restart_gateway() must return str, not None"),
    ("b'ok'", "restart_gateway() must return str, not bytes"),
    ("True", "restart_gateway() must return str, not bool"),
    *RAISING,
)
IDENTITIES = (
    ("None", "identify() must return Account, not None; does it lack its `return Account(id=…)`?"),
    ("True", "not bool: write `return Account(id=…)`"),
    ("{'id': 'a'}", "identify() must return Account, not dict"),
    ("Account", "make it an object, Account(…)"),
    ("Account(583231)", "Account.id must be str, not int"),
    ("Account('a', name=None)", "Account.name must be str, not None"),
    ("Account('\\ud800')", "without half a surrogate pair"),
    ("Account('a' * 5000)", "a text of the account is too long"),
    ("plain Account('a')", "must be a coroutine, not Account: write `async def identify`"),
    ("fail(KeyError('sub'))", "identify() raised KeyError: 'sub'"),
    *RAISING[1:],
)
METHODS = (
    ("None", "sign_in_methods() must return a list of AuthorizationCode or"),
    ("ApiKey()", "must return a list of AuthorizationCode or"),
    ("['api_key']", "sign_in_methods()[0] must be AuthorizationCode or"),
    ("[ApiKey]", "make it an object, ApiKey(…)"),
    ("[ApiKey(help=None)]", "sign_in_methods()[0].help must be str, not None"),
    ("[ApiKey(pattern='(')]", "pattern of api_key is no regular expression"),
    ("(each for each in [ApiKey()])", "not a generator: write `return`, not `yield`"),
    ("asyncio.sleep(0)", "not a coroutine: write `def`, not `async def`"),
    ("[AuthorizationCode('https://x')]", "server must be OAuthServer, not str"),
    ("[AuthorizationCode(OAuthServer(), scopes='repo')]", "not str: put it into a list"),
    ("[DeviceCode(OAuthServer(), OAuthClient(5))]", "client_id must be str, not int"),
    ("[CommandLogin(['x'], 'y', None)]", "read_tokens must be a function, not None"),
    ("fail(OSError('x'))", "sign_in_methods() raised OSError: x"),
    ("fail(SystemExit(3))", "sign_in_methods() raised SystemExit: 3"),
    ("fail(KeyboardInterrupt())", "sign_in_methods() raised KeyboardInterrupt"),
    ("time.sleep(1.7)", "{}.py:1 in <module> holds the event loop for more than 1 s"),
)
ENVIRONMENTS = (
    ("None", "turn_environment() must return a dict of str to SecretStr, not None"),
    ("['TOKEN']", "turn_environment() must return a dict of str to SecretStr, not list"),
    ("{'TOKEN': 'x'}", "turn_environment()['TOKEN'] must be SecretStr, not str"),
    ("{5: SecretStr('x')}", "turn_environment() (a key) must be str, not int"),
    ("{'XO_API_TOKEN': SecretStr('x')}", "'XO_API_TOKEN' is the server's own"),
    ("{'LD_PRELOAD': SecretStr('x')}", "'LD_PRELOAD' decides which programs run"),
    ("{'A=B': SecretStr('x')}", "'A=B' is no name of an environment variable"),
    ("{'': SecretStr('x')}", "'' is no name of an environment variable"),
    ("{'TOKEN': SecretStr('a\\0b')}", "'TOKEN' has a value that is no text, or has a NUL"),
    ("{'TOKEN': SecretStr('\\ud800')}", "or half a surrogate pair"),
    ("{'TOKEN': SecretStr(5)}", "'TOKEN' has a value that is no text"),
    ("asyncio.sleep(0)", "not a coroutine: write `def`, not `async def`"),
    ("fail(OSError('x'))", "turn_environment() raised OSError: x"),
    ("fail(SystemExit(3))", "turn_environment() raised SystemExit: 3"),
    ("fail(KeyboardInterrupt())", "turn_environment() raised KeyboardInterrupt"),
    ("time.sleep(1.7)", "{}.py:1 in <module> holds the event loop for more than 1 s"),
)
INTERRUPT_HANGS = ("swallow()", "interrupt() took longer than 1.5 s: answer earlier")
