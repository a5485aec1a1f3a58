"""The OpenAPI document: operations, schemas, examples, problem codes."""
