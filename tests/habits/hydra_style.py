"""A script in Hydra's habits, `key=value` (with Hydra's own parser where it is installed); says what it understood."""
import json
import re
import sys

try:
    from hydra.core.override_parser.overrides_parser import OverridesParser
except ImportError:

    def literal(text):
        if text.startswith("'"):
            return re.sub(r"(\\*)\\'", lambda m: "\\" * (len(m[1]) // 2) + "'", text[1:-1])
        try:
            return json.loads(text)
        except ValueError:
            return text

    options = {k: literal(v) for k, v in (word.split("=", 1) for word in sys.argv[1:])}
else:
    parsed = OverridesParser.create().parse_overrides(sys.argv[1:])
    options = {override.key_or_group: override.value() for override in parsed}
    options = {k: v if v is None or isinstance(v, (bool, int, float, list)) else getattr(v, "text", v) for k, v in options.items()}
print(json.dumps(options))
