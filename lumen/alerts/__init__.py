"""Pure: five-minute slices in, alerts that open and close out. Imports only the model."""
