"""What is wrong when a plugin is loaded: its state is then `failed`."""

MODULES = {
    "import_raises": ("raise ValueError('no battery')", "import failed: ValueError: no battery"),
    "import_exits": ("raise SystemExit(3)", "import failed: SystemExit: 3"),
    "import_interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt was raised"),
    "import_syntax": ("def plugin(:", "import failed: SyntaxError"),
    "import_nothing": ("x = 1", "has no attribute 'plugin'"),
    "object_none": ("plugin = None", "its entry point is None"),
    "object_number": ("plugin = 5", "it has no hook"),
    "object_class": ("class plugin: pass", "make it an object, plugin()"),
    "object_raises": (
        "class P:\n    @property\n    def xo_runtimes(self): raise OSError\nplugin = P()",
        "",
    ),
}

# a connector that is wrong in `describe` or `sign_in_methods`
CONNECTORS = {
    "describe_none": ("service(None)", "describe() must return ConnectorInfo, not None"),
    "describe_runtime": (
        "service(RuntimeInfo('a', 'A'))",
        "not RuntimeInfo: write `return ConnectorInfo(name=…, title=…)`",
    ),
    "describe_raises": ("service(OSError('x'))", "describe() raised OSError: x"),
    "describe_exits": ("service(SystemExit(3))", "describe() raised SystemExit: 3"),
    "name_number": ("service(ConnectorInfo(5, 'A'))", "ConnectorInfo.name must be str, not int"),
    "name_path": ("service(ConnectorInfo('a/b', 'A'))", "is no name like acme or acme-drive"),
    "title_empty": ("service(ConnectorInfo('a', ''))", "its title must be one line"),
    "twice": ("service(), service()", "it has the connector office twice"),
    "taken": (
        "service(ConnectorInfo('healthy', 'A'))",
        "its connector healthy is plugin_healthy's already",
    ),
    "methods_none": ("service(methods=None)", "sign_in_methods() must return a list of"),
    "methods_one": ("service(methods=ApiKey())", "not ApiKey"),
    "methods_text": ("service(methods=['api_key'])", "sign_in_methods()[0] must be Author"),
    "methods_raise": ("service(methods=KeyError('x'))", "sign_in_methods() raised KeyError"),
    "methods_cancel": (
        "service(methods=asyncio.CancelledError())",
        "sign_in_methods() raised CancelledError",
    ),
    "methods_same_id": (
        "service(methods=[ApiKey(), ApiKey()])",
        "two ways to sign in have the id 'api_key'",
    ),
    "methods_no_id": ("service(methods=[ApiKey(id='')])", "the id '' of a way to sign in"),
    "methods_pattern": (
        "service(methods=[ApiKey(pattern='(')])",
        "pattern of api_key is no regular expression",
    ),
    "abstract": ("type('Half', (Connector,), {})()", "Can't instantiate abstract class Half"),
}

HOOKS = {
    "unknown_hook": ("def xo_runtime(self):\n    return []", "unknown hook 'xo_runtime'"),
    "unknown_argument": ("def xo_runtimes(self, ctx):\n    return []", "{'ctx'} are declared"),
    "contributes_none": (
        "def xo_contributes(self):\n    pass",
        "must return Contributions, not None",
    ),
    "contributes_dict": (
        "def xo_contributes(self):\n    return {}",
        "not dict: write `return Contr",
    ),
    "contributes_true": (
        "def xo_contributes(self):\n    return True",
        "not bool: write `return Con",
    ),
    "contributes_class": (
        "def xo_contributes(self):\n    return Contributions",
        "make it an object, Contributions(…)",
    ),
    "contributes_async": (
        "async def xo_contributes(self):\n    return Contributions()",
        "write `def`, not `async def`",
    ),
    "contributes_yields": (
        "def xo_contributes(self):\n    yield Contributions()",
        "write `return`, not `yield`",
    ),
    "contributes_raises": (
        "def xo_contributes(self):\n    raise SystemExit('off')",
        "xo_contributes raised SystemExit: off",
    ),
    "prefixes_text": (
        "def xo_contributes(self):\n    return Contributions(prefixes='/api/acme')",
        "Contributions.prefixes must be a list of str, not str: put it into a list",
    ),
    "prefixes_number": (
        "def xo_contributes(self):\n    return Contributions(prefixes=[5])",
        "Contributions.prefixes[0] must be str, not int",
    ),
    "prefixes_none": (
        "def xo_contributes(self):\n    return Contributions(prefixes=None)",
        "Contributions.prefixes must be a list of str, not None",
    ),
    "prefix_relative": (
        "def xo_contributes(self):\n    return Contributions(prefixes=['acme'])",
        "no plain path like /api/acme",
    ),
    "prefix_core": (
        "def xo_contributes(self):\n    return Contributions(prefixes=['/api/chat'])",
        "overlaps /api/chat of the core",
    ),
    "env_file_path": (
        "def xo_contributes(self):\n    return Contributions(env_file=Path('/x'))",
        "Contributions.env_file must be str, not PosixPath",
    ),
    "env_file_relative": (
        "def xo_contributes(self):\n    return Contributions(env_file='acme.env')",
        "is no path like ~/.acme/env",
    ),
    "policies_list": (
        "def xo_contributes(self):\n    return Contributions(policies=['/api/acme'])",
        "Contributions.policies must be a dict of str to PluginRoutePolicy, not list",
    ),
    "policies_dict": (
        "def xo_contributes(self):\n    return Contributions(policies={'/a': {'public': True}})",
        "Contributions.policies['/a'] must be PluginRoutePolicy, not dict",
    ),
    "policies_text": (
        "def xo_contributes(self):\n"
        "    return Contributions(policies={'/a': PluginRoutePolicy(public='no')})",
        "Contributions.policies['/a'].public must be bool, not str",
    ),
    "policy_outside": (
        "def xo_contributes(self):\n"
        "    policies = {'/api/chat/prompt': PluginRoutePolicy(public=True)}\n"
        "    return Contributions(prefixes=['/api/mine'], policies=policies)",
        "its policy for /api/chat/prompt lies outside its claims",
    ),
    "policy_of_core": (
        "def xo_contributes(self):\n"
        "    policies = {'/api/connectors/office/{action}': PluginRoutePolicy(public=True)}\n"
        "    return Contributions(prefixes=['/api/connectors/office'], policies=policies)",
        "its policy for /api/connectors/office/{action} holds for /api/connectors/{name}/",
    ),
    "policy_mistyped": (
        "def xo_contributes(self):\n"
        "    policies = {'/api/typo/cal': PluginRoutePolicy(public=True)}\n"
        "    return Contributions(prefixes=['/api/typo'], policies=policies)\n"
        "def xo_routers(self):\n"
        "    router = APIRouter()\n"
        "    router.add_api_route('/api/typo/call', lambda: {})\n"
        "    return [router]",
        "its policy for /api/typo/cal belongs to no route of its own",
    ),
    "settings_one": (
        "def xo_contributes(self):\n    return Contributions(settings=Setting('A', 'b'))",
        "Contributions.settings must be a list of Setting, not Setting",
    ),
    "settings_dict": (
        "def xo_contributes(self):\n    return Contributions(settings=[{'name': 'A'}])",
        "Contributions.settings[0] must be Setting, not dict",
    ),
    "setting_name": (
        "def xo_contributes(self):\n    return Contributions(settings=[Setting(5, 'b')])",
        "Contributions.settings[0].name must be str, not int",
    ),
    "setting_default": (
        "def xo_contributes(self):\n    return Contributions(settings=[Setting('A', 'b', 5)])",
        "Contributions.settings[0].default must be str, not int",
    ),
    "setting_kind": (
        "def xo_contributes(self):\n"
        "    return Contributions(settings=[Setting('A', 'b', kind='x')])",
        "unknown kind 'x'",
    ),
    "setting_help": (
        "def xo_contributes(self):\n    return Contributions(settings=[Setting('A', None)])",
        "Contributions.settings[0].help must be str, not None",
    ),
    "setting_small": (
        "def xo_contributes(self):\n    return Contributions(settings=[Setting('a', 'b')])",
        "is no name like ACME_URL",
    ),
    "setting_of_host": (
        "def xo_contributes(self):\n"
        "    return Contributions(settings=[Setting('XO_API_TOKEN', 'b')])",
        "XO_API_TOKEN is a setting of the server",
    ),
    "secrets_none": (
        "def xo_secrets(self):\n    pass",
        "must return a list of SecretField, not None",
    ),
    "secrets_dict": (
        "def xo_secrets(self):\n    return {}",
        "not dict: write `return [SecretField(key=…, title=…)]`",
    ),
    "secrets_text": (
        "def xo_secrets(self):\n    return ['KEY']",
        "xo_secrets()[0] must be SecretField, not str",
    ),
    "secret_key": ("def xo_secrets(self):\n    return [SecretField(5, 'Key')]", ".key must be str"),
    "secret_title": (
        "def xo_secrets(self):\n    return [SecretField('KEY', None)]",
        ".title must be str, not None",
    ),
    "secret_required": (
        "def xo_secrets(self):\n    return [SecretField('KEY', 'Key', required='yes')]",
        ".required must be bool, not str",
    ),
    "secret_pattern": (
        "def xo_secrets(self):\n    return [SecretField('KEY', 'Key', pattern=re.compile('x'))]",
        ".pattern must be str or None, not Pattern",
    ),
    "secret_blank": (
        "def xo_secrets(self):\n    return [SecretField('A KEY', 'Key')]",
        "is no name like ACME_KEY",
    ),
    **{
        f"secret_{name.lower()}": (
            f"def xo_secrets(self):\n    return [SecretField('{name}', 'Key')]",
            f"its secret {name} {reason}",
        )
        for name, reason in {
            "XO_API_TOKEN": "is the server's own",
            "PORT": "is the server's own",
            "PATH": "decides which programs run",
            "HOME": "decides which programs run",
            "LD_PRELOAD": "decides which programs run",
            "PYTHONPATH": "decides which programs run",
            "NODE_OPTIONS": "decides which programs run",
            "BASH_ENV": "decides which programs run",
        }.items()
    },
    "runtimes_none": (
        "def xo_runtimes(self):\n    [Plain()]",
        "must return a list of Runtime, not No",
    ),
    "runtimes_one": ("def xo_runtimes(self):\n    return Plain()", "a list of Runtime, not Plain"),
    "runtimes_class": ("def xo_runtimes(self):\n    return [Plain]", "make it an object, Plain(…)"),
    "runtimes_number": (
        "def xo_runtimes(self):\n    return [5]",
        "xo_runtimes()[0] must be Runtime",
    ),
    "runtimes_yield": ("def xo_runtimes(self):\n    yield Plain()", "write `return`, not `yield`"),
    "runtimes_async": (
        "async def xo_runtimes(self):\n    return [Plain()]",
        "write `def`, not `async def`",
    ),
    "runtimes_raise": (
        "def xo_runtimes(self):\n    raise KeyError('key')",
        "xo_runtimes raised KeyError: 'key'",
    ),
    "runtimes_interrupt": (
        "def xo_runtimes(self):\n    raise KeyboardInterrupt",
        "KeyboardInterrupt was raised",
    ),
    "runtimes_abstract": (
        "def xo_runtimes(self):\n    return [type('Half', (Runtime,), {})()]",
        "Can't instantiate abstract class Half",
    ),
    "runtimes_mock": (
        "def xo_runtimes(self):\n    return [Mock(spec=Plain)]",
        "describe() must return RuntimeInfo, not Mock: write `return RuntimeInfo(name=…, title=…)`",
    ),
    "runtimes_twice": (
        "def xo_runtimes(self):\n    return [Plain(), Plain()]",
        "it has the runtime runtimes-twice twice",
    ),
    "runtimes_taken": (
        "def xo_runtimes(self):\n    return [Plain('demo')]",
        "its runtime demo is runtime_demo's already",
    ),
    "connectors_none": (
        "def xo_connectors(self):\n    pass",
        "must return a list of Connector, not N",
    ),
    "connectors_number": (
        "def xo_connectors(self):\n    return [5]",
        "xo_connectors()[0] must be Connector, not int",
    ),
    "connectors_runtime": (
        "def xo_connectors(self):\n    return [Plain()]",
        "xo_connectors()[0] must be Connector, not Plain",
    ),
    **{
        f"connector_{name}": (
            f"def xo_connectors(self):\n    return [{service}]",
            words,
        )
        for name, (service, words) in CONNECTORS.items()
    },
    "routers_none": (
        "def xo_routers(self):\n    pass",
        "must return a list of APIRouter or LazyRouter, not None",
    ),
    "routers_one": (
        "def xo_routers(self):\n    return APIRouter()",
        "must return a list of APIRouter or LazyRouter, not APIRouter",
    ),
    "routers_raise": ("def xo_routers(self):\n    raise OSError('x')", "xo_routers raised OSError"),
    "routers_outside": (
        "def xo_routers(self):\n"
        "    router = APIRouter()\n"
        "    router.add_api_route('/api/elsewhere', lambda: {})\n"
        "    return [router]",
        "lies outside its claims",
    ),
    "routers_schema": (
        "def xo_contributes(self):\n"
        "    return Contributions(prefixes=['/api/odd'])\n"
        "def xo_routers(self):\n"
        "    class Odd(BaseModel, arbitrary_types_allowed=True):\n"
        "        lock: asyncio.Lock\n"
        "    async def odd() -> Odd: ...\n"
        "    router = APIRouter()\n"
        "    router.add_api_route('/api/odd', odd)\n"
        "    return [router]",
        "can't be described in OpenAPI",
    ),
    "routers_example": (
        "def xo_contributes(self):\n"
        "    return Contributions(prefixes=['/api/example'])\n"
        "def xo_routers(self):\n"
        "    router = APIRouter()\n"
        "    router.add_api_route('/api/example', lambda: {}, openapi_extra={'x-lock': object()})\n"
        "    return [router]",
        "can't be described in OpenAPI",
    ),
    "routers_handlers": (
        "def xo_contributes(self):\n"
        "    return Contributions(prefixes=['/api/handlers'])\n"
        "def xo_routers(self):\n"
        "    return [APIRouter(on_startup=[print])]",
        "use xo_lifespan",
    ),
    "lifespan_none": ("def xo_lifespan(self):\n    pass", "xo_lifespan must return a context"),
    "lifespan_async": (
        "async def xo_lifespan(self):\n    pass",
        "xo_lifespan must return a context",
    ),
    "lifespan_yields": ("async def xo_lifespan(self):\n    yield", "with @asynccontextmanager"),
    "lifespan_plain": (
        "@contextlib.contextmanager\ndef xo_lifespan(self):\n    yield",
        "xo_lifespan must return a context",
    ),
    "lifespan_raises": ("def xo_lifespan(self):\n    raise OSError('x')", "raised OSError: x"),
}

DESCRIPTIONS = {
    "describe_none": ("return None", "describe() must return RuntimeInfo, not None"),
    "describe_dict": (
        "return {'name': 'x'}",
        "not dict: write `return RuntimeInfo(name=…, title=…)`",
    ),
    "describe_true": ("return True", "describe() must return RuntimeInfo, not bool"),
    "describe_raises": ("raise OSError('gone')", "describe() raised OSError: gone"),
    "describe_exits": ("raise SystemExit(4)", "describe() raised SystemExit: 4"),
    "describe_yields": ("yield RuntimeInfo('x', 'X')", "write `return`, not `yield`"),
    "name_number": ("return RuntimeInfo(5, 'X')", "RuntimeInfo.name must be str, not int"),
    "name_blank": ("return RuntimeInfo('My Agent', 'X')", "is no name like acme or acme-cli"),
    "name_empty": ("return RuntimeInfo('', 'X')", "is no name like acme or acme-cli"),
    "title_none": ("return RuntimeInfo('x', None)", "RuntimeInfo.title must be str, not None"),
    "title_empty": ("return RuntimeInfo('x', ' ')", "its title must be one line"),
    "title_lines": ("return RuntimeInfo('x', 'X\\nY')", "its title must be one line"),
    "title_long": ("return RuntimeInfo('x', 'X' * 5000)", "its title must be one line"),
    "title_surrogate": ("return RuntimeInfo('x', '\\ud800')", "without half a surrogate pair"),
    "aliases_text": ("return RuntimeInfo('x', 'X', 'y')", "not str: put it into a list"),
    "aliases_number": ("return RuntimeInfo('x', 'X', (5,))", "RuntimeInfo.aliases[0] must be str"),
    "rank_text": (
        "return RuntimeInfo('x', 'X', rank='1')",
        "RuntimeInfo.rank must be int, not str",
    ),
    "rank_none": (
        "return RuntimeInfo('x', 'X', rank=None)",
        "RuntimeInfo.rank must be int, not None",
    ),
    "rank_true": (
        "return RuntimeInfo('x', 'X', rank=True)",
        "RuntimeInfo.rank must be int, not bool",
    ),
    "rank_huge": ("return RuntimeInfo('x', 'X', rank=10**30)", "must be int of at most 64 bits"),
    "health_field_blank": (
        "return RuntimeInfo('x', 'X', health_field='my cli')",
        "is no name like acme_cli",
    ),
    "health_field_of_server": (
        "return RuntimeInfo('x', 'X', health_field='status')",
        "health_field status is a field of the server",
    ),
}
