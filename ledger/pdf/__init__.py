"""Certificates as PDF documents, in Chinese and English."""
