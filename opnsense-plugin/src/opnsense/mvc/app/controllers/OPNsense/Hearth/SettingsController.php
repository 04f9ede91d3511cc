<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth;

use OPNsense\Base\IndexController;

class SettingsController extends IndexController
{
    public function indexAction()
    {
        $this->view->pick('OPNsense/Hearth/settings');
        $this->view->settingsForm = $this->getForm('settings');
        foreach (['File', 'Webhook'] as $kind) {
            $this->view->{"formDialog{$kind}"} = $this->getForm("dialog{$kind}");
            $this->view->{"formGrid{$kind}"} = $this->getFormGrid("dialog{$kind}");
        }
    }
}
