<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth;

use OPNsense\Base\IndexController;

class PoliciesController extends IndexController
{
    /**
     * Fields of a policy that are no condition.
     */
    private const OTHERS = ['uuid', 'enabled', 'name', 'profile', 'limit', 'description'];

    public function indexAction()
    {
        Modules::give($this->view);
        $this->view->pick('OPNsense/Hearth/policies');
        $this->view->formDialogPolicy = $this->getForm('dialogPolicy');
        $grid = $this->getFormGrid('dialogPolicy');
        /* the order is the sequence's alone, and conditions stand together in one column */
        $shown = [];
        $conditions = [];
        foreach ($grid['fields'] as $field) {
            $field['sortable'] = 'false';
            if (in_array($field['column-id'], self::OTHERS, true)) {
                $shown[] = $field;
            } else {
                $conditions[] = $field['column-id'];
            }
        }
        $column = ['column-id' => 'conditions', 'label' => gettext('Conditions'), 'formatter' => 'conditions'];
        array_splice($shown, 3, 0, [$column + ['type' => 'string', 'sortable' => 'false', 'visible' => 'true']]);
        $this->view->formGridPolicy = ['fields' => $shown] + $grid;
        $this->view->conditions = $conditions;
    }
}
