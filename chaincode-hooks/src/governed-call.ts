/**
 * A call that is not scored: arity, MSP and role are checked, the function runs, one event tells what became of it.
 * @module
 */
import { canonicalJson, type JsonValue } from './canonical-json.js';
import { ChaincodeError } from './errors.js';
import { readFederationConfig } from './federation-config.js';
import { ORCHESTRATOR_MSP, type GovernanceRule } from './governance-policy.js';
import { callerOf, type Caller, type GuardContext } from './guard-context.js';
import { GUARD_EVENT_NAME, encodeGuardEvent } from './guard-event.js';

export interface Call {
  /** `Contract:function`. */
  readonly name: string;
  readonly args: readonly string[];
}

export async function runGoverned(
  ctx: GuardContext,
  call: Call,
  rule: GovernanceRule,
  run: () => Promise<JsonValue>,
): Promise<string> {
  if (call.args.length !== rule.arity) {
    throw new ChaincodeError(
      'ERR_ARITY',
      `${call.name}: expected ${rule.arity} arguments, got ${call.args.length}`,
    );
  }
  const caller = callerOf(ctx);
  await requireCaller(ctx, caller, call.name, rule);
  const result = await run();
  if (rule.class === 'governance') {
    ctx.stub.setEvent(
      GUARD_EVENT_NAME,
      encodeGuardEvent({
        v: 1,
        kind: rule.kind,
        function: call.name,
        session: '',
        actor: caller.actor,
        disposition: 'allowed',
        scored: false,
        modelVersion: null,
        ...ctx.eventParts,
      }),
    );
  }
  return canonicalJson(result);
}

async function requireCaller(
  ctx: GuardContext,
  { mspId, role }: Caller,
  name: string,
  rule: GovernanceRule,
): Promise<void> {
  if (rule.msp === 'ops' && mspId !== ORCHESTRATOR_MSP) {
    throw new ChaincodeError(
      'ERR_MSP_NOT_ALLOWED',
      `${name}: expected ${ORCHESTRATOR_MSP}, got ${mspId}`,
    );
  }
  if (rule.msp === 'hospital') {
    const { hospitals } = await readFederationConfig(ctx);
    if (!hospitals.includes(mspId)) {
      throw new ChaincodeError(
        'ERR_MSP_NOT_ALLOWED',
        `${name}: expected a hospital of the federation, got ${mspId}`,
      );
    }
  }
  if (rule.roles.length > 0 && !(rule.roles as readonly string[]).includes(role)) {
    throw new ChaincodeError(
      'ERR_ROLE_NOT_ALLOWED',
      `${name}: expected role ${rule.roles.join(' or ')}, got ${role === '' ? 'none' : role}`,
    );
  }
}
