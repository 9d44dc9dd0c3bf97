"""Alert conditions: five-minute slices in, alerts that open and close out. Pure; imports only the model.

Who is told, silences in the store and pagers are no concern of this package.
"""
