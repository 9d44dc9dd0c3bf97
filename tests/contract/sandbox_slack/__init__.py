"""The sandbox's Slack side, driven by the SDKs that real bots use."""
