"""The state store on real Valkey and Redis servers: races, kills, faults, and its promises."""
