-- The store was restored from a copy: a new epoch begins, and nothing goes on as if nothing had happened since the copy.
-- ARGV    3 the new epoch's id, 4 at, 5 the highest number of a proposal that is known elsewhere, 6 the decision that
--         withdraws what is pending, 7 the note on what was approved, 8 actor, 9 what is said of it in the channel,
--         10 the layout of the copy that was written into this store just now, or '', 11 what that copy is known by
-- Reply   OK the former epoch's id, how many proposals were closed, the highest number
local former, at, closed = redis.call('HGET', EPOCH, 'id'), ARGV[4], 0
for _, id in ipairs(redis.call('ZRANGE', UNFINISHED, 0, -1)) do
  local state = get(id, 'state')
  if state == 'PENDING' then
    decide(id, 'WITHDRAWN', ARGV[6], at, ARGV[8])
  else
    local reached = state == 'APPLYING' and 'FAILED' or 'ABANDONED'
    put(id, 'state', reached)
    put(id, 'note', ARGV[7])
    close(id, at)
    audit(at, 'advanced', id, ARGV[8], reached, ARGV[7])
    touch(id)
  end
  closed = closed + 1
end
local number = math.max(tonumber(redis.call('GET', SEQ) or '0'), tonumber(ARGV[5]))
redis.call('SET', SEQ, digits(number))
-- Tokens that were given since the copy stay older than all that follow, and nobody holds a lease.
local fence = clock[1] .. string.format('%06d', clock[2])
local known = redis.call('HGET', EPOCH, 'fence')
if known and tonumber(fence) < tonumber(known) then fence = known end
redis.call('HSET', EPOCH, 'id', ARGV[3], 'restored_at', at, 'fence', fence)
if ARGV[10] ~= '' then redis.call('HSET', EPOCH, 'schema', ARGV[10], 'imported', ARGV[11]) end
redis.call('DEL', LEASE_TOKENS, LEASE_UNTIL)
audit(at, 'restored', '', ARGV[8], former .. ' ' .. ARGV[3] .. ' ' .. digits(number) .. ' ' .. closed, ARGV[9])
mark('restored/' .. ARGV[3])
return { 'OK', NOW, former, closed, digits(number) }
