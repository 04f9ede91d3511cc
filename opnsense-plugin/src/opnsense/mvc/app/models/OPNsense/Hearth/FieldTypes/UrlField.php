<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\FieldTypes;

use OPNsense\Base\FieldTypes\TextField;
use OPNsense\Base\Validators\CallbackValidator;

/**
 * A URL whose name and password are shown to nobody. The URL as it is shown stands for the one that is kept.
 */
class UrlField extends TextField
{
    private const HIDDEN = '***';

    private static function shown(?string $url): string
    {
        return preg_replace('~^(https?://)[^/?#\s]*@~i', '$1' . self::HIDDEN . '@', (string)$url);
    }

    /**
     * {@inheritdoc}
     */
    public function getNodeData()
    {
        return self::shown($this->getValue());
    }

    /**
     * {@inheritdoc}
     */
    public function getDescription()
    {
        return self::shown($this->getValue());
    }

    /**
     * {@inheritdoc}
     */
    public function setValue($value)
    {
        if ((string)$value !== self::shown($this->getValue())) {
            parent::setValue($value);
        }
    }

    /**
     * {@inheritdoc}
     */
    public function getValidators()
    {
        $validators = parent::getValidators();
        $validators[] = new CallbackValidator(['callback' => function ($value) {
            $isHidden = str_contains((string)$value, '://' . self::HIDDEN . '@');
            return $isHidden ? [gettext('Write the name and the password again: the URL is another one.')] : [];
        }]);
        return $validators;
    }
}
