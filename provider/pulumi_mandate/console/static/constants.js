// Written by `python -m tests.vectors.generate`, from the Python that is their source.

export const SCHEMA = "mandate/plan/v1";
export const STEPS_OF_PLAN = {"up": ["abandon", "create", "create-replacement", "delete", "delete-replaced", "discard", "discard-replaced", "import", "import-replacement", "metadata", "read", "read-replacement", "remove-pending-replace", "replace", "update"], "destroy": ["abandon", "delete", "delete-replaced", "discard", "discard-replaced"], "refresh": ["forget", "refresh"], "import": ["create", "import"]};
export const KIND_OF = {"create": 0, "update": 1, "replace": 2, "create-replacement": 2, "delete-replaced": 2, "import-replacement": 2, "read-replacement": 2, "delete": 3, "abandon": 4, "import": 5, "read": 6, "discard": 6, "discard-replaced": 6, "remove-pending-replace": 7, "metadata": 7, "refresh": 7, "forget": 4};
export const IRREVERSIBLE = {"delete": "what is deleted does not come back", "delete-replaced": "the old resource and its data are deleted", "abandon": "the resource stays where it is, and nobody manages it any more", "forget": "the resource is gone already, and now the stack forgets what it was"};
export const PARTS = ["base", "checks", "clears", "config", "effectRoot", "kind", "operations", "program", "proposer", "rollback", "rules", "salt", "schema", "secretKeyId", "source", "subject", "tier", "toolchain", "unknowns", "window"];
export const OPERATION_PARTS = ["after", "before", "dependencies", "id", "kind", "op", "options", "propertyDependencies", "provider", "replaceKeys", "rule", "tier", "type", "urn"];
export const CHECK_PARTS = ["digest", "findings", "id", "mandatory", "measures", "override", "verdict", "version"];
export const MARKER = "mandate:v1";
export const MARKERS = {"unknown": {"secret": ["boolean"]}, "secret": {"commitment": ["string"]}, "auto-name": {"prefix": ["string"], "drawn": ["string"]}, "bytes": {"base64": ["string"]}, "asset": {"archive": ["boolean"], "hash": ["string", "null"], "path": ["string", "null"], "entries": ["object", "null"]}, "reference": {"urn": ["string"], "id": ["string", "object", "null"]}, "provider-code": {"module": ["string"], "class": ["string"], "package": ["string"], "code": ["string"]}, "escaped": {"entries": ["list"]}};
export const RULE_ID = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}";
export const COMMIT = "[0-9a-f]{40}([0-9a-f]{24})?";
export const LINE = "[^\u0000-\u001f\u007f-\u00a0\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ud800-\uf8ff\ufeff\ufff9-\uffff\ud804\udcbd\ud804\udccd\ud80d\udc30-\ud80d\udc3f\ud82f\udca0-\ud82f\udca3\ud834\udd73-\ud834\udd7a\udb40\udc00-\udbff\udfff]{1,500}";
export const CHECK_ID = "[a-z][a-z0-9-]{0,31}";
export const VERSION = "[0-9A-Za-z][0-9A-Za-z.+_-]{0,31}";
export const MEASURE = "[a-z][A-Za-z0-9]{0,31}";
export const SHA256 = "[0-9a-f]{64}";
export const FILE_MODES = ["file", "executable", "link"];
export const WITHHELD = ["may hold a secret", "not text, or too long", "no former text to compare with"];
export const VERDICTS = ["pass", "warn", "overridden", "fail"];
export const MOST_FINDINGS = 1000;
export const MOST_MEASURES = 20;
export const TIERS = {"low": 1, "high": 3, "last": 5};
export const LIMITS = {"size": 268435456, "depth": 64, "operations": 200000};
export const PLAN_TYPE = "Plan(bytes32 subject,bytes32 effectRoot,uint32 operationCount,uint32 kinds,bytes32 program,bytes32 toolchain,bytes32 rules,bytes32 checks,bytes32 rollback,bytes32 document,bytes32 clears,address proposer,uint8 tier,uint64 notBefore,uint64 expiresAt,bytes32 salt)";
export const SUBJECT_TYPE = "Subject(string backend,string organisation,string project,string stack)";
export const DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
