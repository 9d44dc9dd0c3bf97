-- Store a new PENDING proposal; a pending one of the same knob gives way in the same step, unless it is the countdown of
-- an incident and the new one is not about that: a wish disarms no protection.
-- DEDUPE  the request's memory: the id of the proposal that it made
-- ARGV    3…15 the proposal (create in common.lua), 16 the decision that supersedes, 17 the decision that expires
-- Reply   OK id row | LOCKED id state (one of the knob is approved or being applied) | COUNTDOWN id acts_at
local knob, at, actor, incident = ARGV[4], ARGV[5], ARGV[11], ARGV[14]

local made = redis.call('GET', DEDUPE)
if made and get(made, 'state') then return { 'OK', NOW, made, row(made) } end

local older = redis.call('HGET', OPEN, knob)
if older then
  local state = get(older, 'state')
  if state ~= 'PENDING' then return { 'LOCKED', NOW, older, state } end
  local protects = redis.call('ZSCORE', COUNTDOWNS, older) and (get(older, 'incident') or '') ~= ''
  if is_overdue(older) then
    decide(older, 'EXPIRED', ARGV[17], at, 'lumen')
  elseif protects and incident == '' then
    return { 'COUNTDOWN', NOW, older, get(older, 'acts_at') }
  else
    decide(older, 'SUPERSEDED', ARGV[16], at, actor)
  end
end
local id = create(3)
return { 'OK', NOW, id, row(id) }
