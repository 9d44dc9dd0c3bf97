-- Stands after the script of one migration, which says what it does in `migrate(dry)`: how many values it changes, and
-- changes none in a dry run. The new layout is in force in the same step.
-- ARGV    3 '1' for a dry run, 4 the new layout, 5 at, 6 actor
-- Reply   OK how many values are changed
local changed = migrate(ARGV[3] ~= '')
if ARGV[3] == '' then
  redis.call('HSET', EPOCH, 'schema', ARGV[4])
  audit(ARGV[5], 'migrated', '', ARGV[6], schema .. ' ' .. ARGV[4] .. ' ' .. digits(changed), '')
end
return { 'OK', NOW, changed }
